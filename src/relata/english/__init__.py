"""Fluent English about the regions and relations of a scene, made by rules.

`words` knows nouns and articles, `predicates` how a predicate is said, `facts` which relations are said together,
`names` how a region is named at first and when it comes up again, `sentences` puts them together. Text comes in the
notation of `relata.notation`, so every region and relation in it stays grounded.
"""
