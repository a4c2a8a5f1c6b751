"""A campaign of mutated inputs: what comes of each is right, refused or doubtful, never silently wrong.

`python -m benchmarks.fuzz --seed 1 --count 10000`. One seed gives the same inputs. Here belong the mutations
and the judgement of what came of them; the rules that refuse and doubt are the product's own.
"""
