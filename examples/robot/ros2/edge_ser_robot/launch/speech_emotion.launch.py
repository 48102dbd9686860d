"""Starts the node, and starts it again where its microphone failed.

ros2 launch edge_ser_robot speech_emotion.launch.py
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

PARAMETERS = {
    "device": "microphone by name (the default one)",
    "source": "audio file instead of a microphone",
    "preset": "responsive, balanced or careful (balanced)",
}


def generate_launch_description() -> LaunchDescription:
    """Return what is to be started."""
    node = Node(
        package="edge_ser_robot",
        executable="speech_emotion",
        parameters=[{name: LaunchConfiguration(name) for name in PARAMETERS}],
        respawn=True,
        respawn_delay=5.0,
        output="screen",
    )
    arguments = [
        DeclareLaunchArgument(name, default_value="balanced" if name == "preset" else "", description=explained)
        for name, explained in PARAMETERS.items()
    ]
    return LaunchDescription([*arguments, node])
