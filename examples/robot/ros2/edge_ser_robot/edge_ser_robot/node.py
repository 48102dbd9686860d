"""The node: a thin edge of ROS 2 around `edge_ser.Recognizer`.

Topics, all std_msgs/String with JSON: `~/event` every 80 ms; `~/decision` and `~/behaviour` when they change, kept for
those who subscribe later. `/diagnostics` once a second.
"""

from __future__ import annotations

import threading

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from std_msgs.msg import String

from edge_ser import Recognizer, Settings
from edge_ser.errors import EdgeSerError
from edge_ser_robot.messages import Speaker, health

DIAGNOSTICS_SECONDS = 1.0


class SpeechEmotion(Node):
    """Listens in a thread of its own, and publishes what it hears.

    Raises
    ------
    EdgeSerError
        A parameter or the model cannot be used.
    """

    def __init__(self) -> None:
        super().__init__("speech_emotion")
        self.declare_parameters("", [("device", ""), ("source", ""), ("preset", "balanced")])
        device, source, preset = (self.get_parameter(name).value for name in ("device", "source", "preset"))
        self._recognizer = Recognizer(settings=Settings(device=device or None, preset=preset))
        self._source = source or None
        kept = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._topics = {
            "event": self.create_publisher(String, "~/event", qos_profile_sensor_data),
            "decision": self.create_publisher(String, "~/decision", kept),
            "behaviour": self.create_publisher(String, "~/behaviour", kept),
        }
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._state = "no_speech"
        self._stats = self._recognizer.stats()
        self.create_timer(DIAGNOSTICS_SECONDS, self.tell_health)
        self._thread = threading.Thread(target=self._listen, name="edge-ser")
        self._thread.start()

    def tell_health(self) -> None:
        """Publish how the node is."""
        stats = self._recognizer.stats()
        found = health(self._state, stats, self._stats)
        self._stats = stats
        status = DiagnosticStatus(
            level=getattr(DiagnosticStatus, found.level),
            name=f"{self.get_name()}: microphone and recogniser",
            message=found.message,
            values=[KeyValue(key=name, value=value) for name, value in found.values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def close(self) -> None:
        """End listening, then the node."""
        self._recognizer.close()
        self._thread.join()
        self.destroy_node()

    def _listen(self) -> None:
        speaker = Speaker()
        try:
            for event in self._recognizer.listen(self._source, realtime=self._source is not None):
                self._state = event.state
                for topic, text in speaker.texts(event).items():
                    self._topics[topic].publish(String(data=text))
        except EdgeSerError as error:
            self.get_logger().fatal(str(error))
        rclpy.try_shutdown()  # the launch file starts it again


def main() -> None:
    """Run until ROS shuts down or the source ends."""
    rclpy.init()
    node = SpeechEmotion()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.close()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
