"""The ways out of the house beside Firebase: Web Push, mail, and signed webhooks."""
