"""Volumes that do not come as DICOM: NIfTI and NRRD."""
