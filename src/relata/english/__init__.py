"""Fluent English about the regions and relations of a scene, made by rules.

`words` knows nouns and articles, `predicates` how a predicate is said, `facts` which relations are said together,
`names` how a region is named at first and when it comes up again. Out of these `sentences` makes descriptions, and
`conversation` makes turns from `questions` and from false `premises`. Text comes in the notation of `relata.notation`,
so every region and relation in it stays grounded.
"""
