"""A station for a shift: self-test, batch after batch, figures and the sheet; and the line to the cards' handler."""
