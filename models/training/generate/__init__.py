"""Pictures of utility content, drawn because nobody has photographed enough of them for us.

Pages, notes, boards, screens, receipts, codes, plates and captioned photos, and the hard negatives
that keep a head from learning the renderer instead of the content: the same sheets, boards, plates,
surfaces and lenses with ordinary contents, text where text is in ordinary photos, and textures that
are easily taken for print. `shard.py` is the way in; everything is settled by seed, fonts and photos.
"""
