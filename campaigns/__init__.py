"""Campaigns of faults: plugs are pulled at random, and what is left is held against an undisturbed run.

For developers; not shipped. What is tried, and how a round is played again: docs/reliability.md.
"""
