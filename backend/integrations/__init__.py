"""What comes in from elsewhere: imports."""
