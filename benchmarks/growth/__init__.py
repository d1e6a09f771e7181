"""How time and memory grow with objects, refs, packs and forks."""
