"""Builds the package; colcon runs this."""

from setuptools import setup

NAME = "edge_ser_robot"

setup(
    name=NAME,
    version="0.1.0",
    packages=[NAME],
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", ["launch/speech_emotion.launch.py"]),
    ],
    install_requires=["setuptools"],
    zip_safe=True,
    maintainer="the authors of edge-ser",
    maintainer_email="maintainers@example.org",
    description="Says how the robot is being spoken to: events, decisions and behaviour of edge-ser as topics.",
    license="Apache-2.0",
    entry_points={"console_scripts": [f"speech_emotion = {NAME}.node:main"]},
)
