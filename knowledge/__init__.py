"""What the workspace knows: articles, their passages, and how a question finds them."""
