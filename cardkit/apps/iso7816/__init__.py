"""Commands every card family shares (ISO/IEC 7816-4), built as data: nothing here talks to a card."""
