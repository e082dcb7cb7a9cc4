"""What we add to the standard, said once."""

MANUFACTURER = "Clerkship"
#: Designator of our private coding scheme: "99" marks it as private (PS3.16 8.2).
SCHEME = "99CLERKSHIP"
#: SCOORD counts from the corner of the first pixel (PS3.3 C.18.6.1.1), an index from its centre.
CORNER_PX = 0.5
#: One report holds no more than this. Our own limit.
MAX_ANNOTATIONS = 500
