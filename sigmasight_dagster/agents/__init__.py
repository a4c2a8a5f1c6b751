"""What language-model agents ask over MCP: `sigmasight mcp` serves typed tools that read stored results.

Here belongs what speaks MCP: tools, their answers, resources, and who calls. The rows come from the reading
functions of the API (`sigmasight_dagster.warehouse.answers`), the what-if from `sigmasight_dagster.what_if`.
Not here: SQL, calculations, and anything that writes: the connections of this room refuse it.
"""
