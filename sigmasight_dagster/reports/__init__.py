"""What is read back from the stored tables: readiness, and the generated pages of docs/.

Here belongs what asks the warehouse and puts the answer into words. Not here: calculations, which are
`sigmasight_core`'s, and commands, which only ask for a report.
"""
