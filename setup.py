"""Builds the sixel encoder and the colour chooser where there is a compiler; without one numpy and Pillow do their work."""

from Cython.Build import cythonize
from setuptools import Extension, setup

extensions = cythonize([Extension(f"tui.picture.{name}", [f"tui/picture/{name}.pyx"]) for name in ("_sixel", "_wu")])
for extension in extensions:
    extension.optional = True  # cythonize makes new extensions, which forget it

setup(ext_modules=extensions)
