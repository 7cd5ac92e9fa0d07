"""How results look: in a terminal (rich) and for machines (JSON, CSV). No command and no store in here."""
