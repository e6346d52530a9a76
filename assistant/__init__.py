"""Answering from what the house knows: chat, suggested replies, next best actions, customer profiles."""
