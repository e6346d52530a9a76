"""Privacy law: what is known about one person, handed out or erased, and what is kept for how long."""
