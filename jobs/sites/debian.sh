# What a job sources on nodes that run Debian's packages: Ethernet without RDMA, no UCX.
export OMPI_MCA_osc=^ucx OMPI_MCA_pml=ob1
