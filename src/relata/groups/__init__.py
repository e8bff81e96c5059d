"""Ways to put scenes together, by what their labels say of each other: RelationVLM's relation functions.

One file per way, each with `groups(scenes, rng, *, options ...)`, which yields a `Group` for every pair, clip or
episode that it finds, and passes over the scenes once. A group's provenance says why its scenes are together:

    relation   `same category`, `different identity`, `same colour` ...
    label      what both have: a category, a kind of thing

A recipe that reads groups names the way that suits it as `GROUPS`; `build` takes another as `groups="identity"`.
"""
