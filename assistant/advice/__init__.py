"""What the assistant tells agents and reps: replies, next actions, profiles, predictions, article drafts."""
