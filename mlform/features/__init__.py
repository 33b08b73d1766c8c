"""The declared transforms and the scoring of a model: one code path for training and serving.

`pipeline` fits transforms and applies them, `rows` turns JSON into a frame of known types, and
`scoring` loads a model artifact. One module per family of transforms; `transforms` names them all.
Nothing here knows of tasks, servers or files other than those of a model artifact.
"""
