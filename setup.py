"""Builds the sixel encoder where there is a compiler; without one the install goes on and numpy encodes."""

from Cython.Build import cythonize
from setuptools import Extension, setup

extensions = cythonize([Extension("tui.picture._sixel", ["tui/picture/_sixel.pyx"])])
for extension in extensions:
    extension.optional = True  # cythonize makes new extensions, which forget it

setup(ext_modules=extensions)
