"""A clean Debian 12 in a directory, for what must be seen on a system that has nothing but the package.

`python -m tests.container` boots it and tries the installed unit for real (see `__main__`).
"""
