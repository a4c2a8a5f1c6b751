"""Presets: how each broker writes its history, as YAML, and what the YAML may say.

What belongs here: one YAML file a broker, the rules that it becomes, its mistakes. What does not: reading a
broker's file by them. The YAML is read as text where files are read, outside of the core.
"""
