"""Builds the sixel encoder where there is a compiler; without one the install goes on and numpy encodes."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(ext_modules=cythonize([Extension("tui.picture._sixel", ["tui/picture/_sixel.pyx"], optional=True)]))
