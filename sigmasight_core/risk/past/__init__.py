"""Books of today on past sessions: in single precision with bounds of the error, exactly where that decides.

Here belongs how the count of losses as large as the one that came is found. Which sessions are tested, and
what the count means, is said in `past_sessions`.
"""
