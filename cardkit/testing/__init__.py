"""What users test their own profiles and programs with: virtual cards, faults, made-up commands and records.

``plugin`` is loaded by pytest; ``strategies`` needs hypothesis, ``pyscard_reader`` needs pyscard.
"""
