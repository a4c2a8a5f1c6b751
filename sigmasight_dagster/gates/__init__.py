"""Gates: assertions on the rows of one table, before they are published. Blocking ones stop the publication.

Here belongs a pure function of the rows, with the numbers behind its verdict. What looks at other tables or
at what is stored already is a standing check (`checks`); what a single row must meet is in its row model.
"""
