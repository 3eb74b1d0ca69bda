"""The start-up of the program behind ./run and ./test.

Runs on a bare Python 3.11 or newer with the standard library alone: nothing is installed yet when it starts.
"""
