"""Load on a server over HTTP, from a process of its own."""
