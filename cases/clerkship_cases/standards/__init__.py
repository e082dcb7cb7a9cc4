"""Standard files: DICOM Structured Report, Segmentation, overlay."""
