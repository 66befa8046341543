"""Where pages come from: files, archives, PDFs and multi-page images, opened with every limit checked first."""
