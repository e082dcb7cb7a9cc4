"""What we add to the standard, said once."""

MANUFACTURER = "Clerkship"
#: Designator of our private coding scheme: "99" marks it as private (PS3.16 8.2).
SCHEME = "99CLERKSHIP"
#: SCOORD counts from the corner of the first pixel (PS3.3 C.18.6.1.1), an index from its centre.
CORNER_PX = 0.5
#: One report holds no more than this. Our own limit.
MAX_ANNOTATIONS = 500
#: Larger files are neither written nor read. Our own limits: ten times what a busy student needs.
SR_MAX_BYTES = 8_000_000
SEG_MAX_BYTES = 64_000_000
MAX_SEGMENTS = 32
