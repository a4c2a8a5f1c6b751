"""Commands that show or export what was computed, or compute in memory beside it (`what-if`).

They never publish a partition: that is what the commands of `runs` do.
"""
