"""What campaigns play on: other servers, poolers, clocks, and how each is otherwise than usual."""
