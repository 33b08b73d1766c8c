"""The work of a task, run as `python -m mlform.worker DOCUMENT` inside an image or a child process.

One module per kind of task (`dataset`, `split`, `model`, `evaluation`), each documenting its
arguments, artifact and attributes. The same inputs give the same bytes, whatever the number of
threads: no clock, host, path or unseeded randomness goes into an artifact.
"""
