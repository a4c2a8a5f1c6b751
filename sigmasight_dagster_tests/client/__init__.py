"""Tests of the client, and of the examples of the docs, against real servers."""
