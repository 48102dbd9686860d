"""What one needs at the least: listen, and print each moment at which somebody is understood.

python examples/three_lines.py                     # the microphone
python examples/three_lines.py --source talk.wav   # a recording
"""

import sys

from edge_ser import Recognizer

source = sys.argv[2] if sys.argv[1:2] == ["--source"] else None

recognizer = Recognizer()
for event in recognizer.listen(source):
    print(f"{event.time:.2f} s: {event.emotion or event.state}, {event.confidence:.2f}")
