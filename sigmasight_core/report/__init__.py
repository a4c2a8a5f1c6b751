"""What a person is shown of the tables: availability in words, charts as PNG bytes, Markdown.

Rows in, text and bytes out. Nothing is computed here that is not in a table; nothing is read or written.
matplotlib is imported when a chart is drawn, never by the definitions.
"""
