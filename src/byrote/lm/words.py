"""Words: short English words, all different, from which canaries are made."""

TEXT = """
acid amber anchor angle apple arrow autumn badge bamboo barrel basin beacon birch blanket bottle branch bridge
bronze bucket butter cabin candle canyon carpet castle cedar chalk cherry circle clover cobalt comet copper coral
cotton cradle crystal curtain dagger desert diamond dragon eagle echo ember engine falcon feather fiddle flint
forest fossil garden garlic ginger glacier granite hammer harbor hazel helmet honey hunter island ivory jacket
jasmine jungle kettle kitten ladder lantern lemon lilac linen lizard magnet maple marble meadow melon mirror mustard
needle nickel oasis olive onion orchard otter paddle palace pebble pepper pillow planet pocket poplar quartz rabbit
raven ribbon river rocket saddle saffron salmon shadow shovel silver spider spruce summit thistle thunder ticket
tiger timber tunnel turtle valley velvet violet walnut willow winter wolf zebra
"""

WORDS = tuple(TEXT.split())
