"""What pages of the UI ask of an asset with very many partitions, answered sooner, and alike.

What does not belong here: what is stored (`storage`, `partition_events`), who may see a page (`web_guard`).
"""
