"""What leaves the tables when it is old: detail of old dates, and of what happened long ago."""
