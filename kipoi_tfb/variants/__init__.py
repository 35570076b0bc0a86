"""What an allele does: from VCF records to scores, files and pictures."""
