"""What the product can do. Knows no screen."""
