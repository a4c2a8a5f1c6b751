"""What callers are known by: passwords and access tokens, and how often they may ask."""
