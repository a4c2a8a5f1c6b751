"""The engine: how a declared calculation becomes an asset, reads its inputs, and publishes or fails.

What belongs here: declarations (`declaration`), what a calculation may use (`batch`), what is not fetched
again (`fetched`), attempts, publication, and the Dagster assets made of it. What does not: any calculation
(`assets`), the assertions on its rows (`gates`), SQL (`warehouse`), which runs there are (`runs`).
"""
