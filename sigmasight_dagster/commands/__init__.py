"""The commands of `sigmasight`, one module a topic; `cli` imports a module when its command runs.

A command reads its options, calls what computes, and says what came of it: no SQL, no formula, no decision
that another face of the project (the UI, a sensor) would have to make again. `ledger` is what is held,
`data` what is fetched and stored, `runs` computing, `results` what came out, `servers` the processes.
Here are the parts that commands of several of these share. Commands of one folder use no other folder's.
"""
