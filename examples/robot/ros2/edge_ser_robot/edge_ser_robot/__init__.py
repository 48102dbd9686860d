"""A ROS 2 node that says how the robot is being spoken to."""
