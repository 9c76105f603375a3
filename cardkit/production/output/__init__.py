"""Output files for the customer: what became of each record, its secrets under the order's transport keys.

production.md 10, sim.md 19
"""

from __future__ import annotations

from cardkit.production.output.export import export_order
from cardkit.production.output.openpgp import Envelope
from cardkit.production.output.template import OutputTemplate, load_template
from cardkit.production.output.write import Written, write_output

__all__ = ["Envelope", "OutputTemplate", "Written", "export_order", "load_template", "write_output"]
